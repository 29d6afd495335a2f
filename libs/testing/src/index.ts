export { type CliResult, freePort, type Product, runHoldfast, startProduct, waitFor } from './product.ts';
