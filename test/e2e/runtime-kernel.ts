/** A program for tests: starts the containers its parent names over a driver of its own, says so, and waits to be killed. */
import type { CreateRequest } from '@core/core/plugin';
import { createDriver, type DriverOptions } from '#runtime-linux/driver.js';

interface Order {
  readonly options: DriverOptions;
  readonly containers: readonly CreateRequest[];
}

process.once('message', ({ options, containers }: Order) => {
  start(options, containers).then(
    () => process.send?.('started'),
    (error: unknown) => process.send?.(String(error)),
  );
});

// Nothing else would keep this process: a driver's connections do not.
setInterval(() => {}, 60_000);

async function start(options: DriverOptions, containers: readonly CreateRequest[]): Promise<void> {
  const driver = await createDriver(options);
  for (const container of containers) {
    await driver.create(container);
    await driver.start({ id: container.id });
  }
}
