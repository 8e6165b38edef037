import { createRequire } from 'node:module';

/** Whether the package is there that users install for models of sherpa-onnx. */
export function hasSherpa(): boolean {
  try {
    createRequire(import.meta.url).resolve('sherpa-onnx-node');
    return true;
  } catch {
    return false;
  }
}
