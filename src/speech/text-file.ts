import { Writable } from 'node:stream';
import { openNodeFile } from '../codecs/node-file.js';
import type { OutputFile } from '../codecs/output-file.js';
import { SluiceError } from '../media/errors.js';
import type { NodeContext } from '../media/node.js';

/**
 * A node that writes `head`, and then a text for each value, at once, so that what was written can be read while it runs and is there when
 * the process is killed. The file is closed however it ends. Errors: SLUICE_FILE_WRITE.
 */
export async function textFile(
  template: string,
  context: NodeContext,
  textOf: (value: never) => string,
  head = '',
): Promise<Writable> {
  const file = await openNodeFile(template, context);
  try {
    await write(file, head);
  } catch (error) {
    await file.handle.close();
    throw error;
  }
  return new Writable({
    objectMode: true,
    write(value, _encoding, done) {
      write(file, textOf(value as never)).then(() => {
        done();
      }, done);
    },
    destroy(error, done) {
      file.handle.close().then(
        () => {
          done(error);
        },
        (closing: unknown) => {
          done(error ?? (closing as Error));
        },
      );
    },
  });
}

async function write(file: OutputFile, text: string): Promise<void> {
  if (text === '') return;
  try {
    await file.handle.appendFile(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('SLUICE_FILE_WRITE', `cannot write ${file.path}: ${reason}`, {
      cause,
      mend: 'Check the path, and that there is room.',
    });
  }
}
