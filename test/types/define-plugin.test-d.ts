/** What must, and what must not, compile in a manifest. Checked by `tsc -b`; nothing here runs. */
import { definePlugin, optional, Images, Runtime, type Oci } from '@core/core/plugin';
import { z } from 'zod';

declare const runtime: Runtime;
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

definePlugin({
  name: 'all', version: '1.0.0', api: 1,
  config: z.object({ size: z.number().default(1) }),
  needs: { images: Images, maybe: optional(Runtime) },
  provides: { runtime: Runtime },
  permissions: ['fs:/var/lib/core', 'hooks:container.spec', 'hooks:image.*', 'state'],
  async setup(ctx) {
    same<typeof ctx.config, { size: number }>(true);
    same<typeof ctx.images, Images>(true);
    same<typeof ctx.maybe, Runtime | undefined>(true);
    await ctx.images.inspect({ reference: 'host' });
    // @ts-expect-error an optional need may be missing
    await ctx.maybe.list({});
    // @ts-expect-error the request is typed
    await ctx.images.inspect({ ref: 'host' });
    ctx.hooks.container.spec.tap({ after: ['other'] }, (spec, context, { signal }) => {
      same<typeof spec, Oci.Spec>(true);
      same<typeof signal, AbortSignal>(true);
      return { ...spec, hostname: context.name };
    });
    ctx.hooks.image.unpack.tap({}, async ({ image }) => () => void image.id);
    ctx.hooks.image.stored.tap({}, () => {});
    // @ts-expect-error a spec tap answers with a spec
    ctx.hooks.container.spec.tap({}, () => 1);
    // @ts-expect-error not granted: hooks:container.started
    ctx.hooks.container.started.tap({}, () => {});
    // @ts-expect-error order is by names, never by numbers
    ctx.hooks.container.spec.tap({ stage: 1 }, (spec) => spec);
    await ctx.fs.readFile('/var/lib/core/x');
    await ctx.state.put('key', 1);
    // @ts-expect-error a pair tap returns its undo or nothing
    ctx.hooks.image.unpack.tap({}, () => 'undo');
    return { runtime };
  },
});

definePlugin({
  name: 'bare', version: '1.0.0', api: 1,
  setup(ctx) {
    same<typeof ctx.config, undefined>(true);
    // @ts-expect-error no permission fs:, no ctx.fs
    void ctx.fs;
    // @ts-expect-error no permission hooks:, no ctx.hooks
    void ctx.hooks;
    // @ts-expect-error no permission state, no ctx.state
    void ctx.state;
    // @ts-expect-error not among the needs
    void ctx.images;
  },
});

definePlugin({
  name: 'returns-nothing', version: '1.0.0', api: 1,
  needs: { images: Images },
  async setup(ctx) {
    await ctx.images.list({});
  },
});

definePlugin({
  name: 'returns-what-it-does-not-provide', version: '1.0.0', api: 1,
  // @ts-expect-error provides says nothing of it
  setup: () => ({ runtime }),
});

definePlugin({
  name: 'every-hook', version: '1.0.0', api: 1,
  permissions: ['hooks:*'],
  setup(ctx) {
    ctx.hooks.container.admit.tap({}, ({ settings }) => (settings.privileged ? { reason: 'no' } : undefined));
    ctx.hooks.image.resolve.tap({}, ({ reference }) => reference);
    ctx.effect('thing', () => {});
    ctx.handover(() => ({ a: 1 }), () => {});
  },
});

definePlugin({
  name: 'nothing-returned', version: '1.0.0', api: 1,
  provides: { runtime: Runtime },
  // @ts-expect-error setup must return what provides says
  setup() {},
});

definePlugin({
  name: 'wrong-thing', version: '1.0.0', api: 1,
  provides: { runtime: Runtime },
  // @ts-expect-error the implementation must be complete
  setup: () => ({ runtime: { list: async () => [] } }),
});

definePlugin({
  name: 'unknown-permission', version: '1.0.0', api: 1,
  // @ts-expect-error no such hook
  permissions: ['hooks:container.nope'],
  setup() {},
});

definePlugin({
  name: 'reserved', version: '1.0.0', api: 1,
  // @ts-expect-error ctx.log is taken
  needs: { log: Images },
  setup() {},
});

definePlugin({
  name: 'not-a-contract', version: '1.0.0', api: 1,
  // @ts-expect-error needs are contracts, not names
  needs: { images: 'image@1' },
  setup() {},
});

// @ts-expect-error a manifest needs a version
definePlugin({ name: 'no-version', api: 1, setup() {} });

// @ts-expect-error this kernel speaks plugin interface 1
definePlugin({ name: 'api-two', version: '1.0.0', api: 2, setup() {} });
