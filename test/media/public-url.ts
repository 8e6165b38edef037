import t from 'tap';
import { publicUrl } from '../../src/media/public-url.js';

await t.test('an address is shown without what may be secret in it', async (t) => {
  for (const [url, shown] of [
    ['ws://h:1/p', 'ws://h:1/p'],
    ['wss://example.org/', 'wss://example.org'],
    ['wss://me:s3cr3t@example.org:7/a?token=s3cr3t#s3cr3t', 'wss://example.org:7/a'],
    ['me:s3cr3t@example.org', 'example.org'],
    ['ws://a:s@cr@h , ws://b?x=s3cr3t', 'ws://h,ws://b'],
    ['embedded', 'embedded'],
    ['', ''],
  ] as const)
    t.equal(publicUrl(url), shown, url);
});
