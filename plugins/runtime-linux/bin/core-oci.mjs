#!/usr/bin/env node
import { main } from '../dist/oci/main.js';

process.exitCode = await main(process.argv);
