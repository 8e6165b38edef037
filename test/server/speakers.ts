import t from 'tap';
import { SpeakerDetector } from '../../src/server/speakers.js';

t.test('whoever is loud for a good part of the window speaks; the list is complete whenever something changed', (t) => {
  const detector = new SpeakerDetector();
  const window = (levels: Record<string, number[]>): [string, boolean][] => {
    for (const [sid, list] of Object.entries(levels)) for (const level of list) detector.hear(sid, level);
    return detector.takeChanges().map(({ sid, active }) => [sid, active]);
  };
  t.same(window({ ann: [127, 127, 40], bob: [90] }), [], 'silence');
  t.same(
    window({ ann: [20, 20, 127], bob: [30] }),
    [
      ['ann', true],
      ['bob', true],
    ],
    'the louder first',
  );
  t.same(
    window({ ann: [20, 127, 127, 127], bob: [30] }),
    [
      ['bob', true],
      ['ann', false],
    ],
    'one knock is no speech',
  );
  detector.forget('bob');
  t.same(window({}), [], 'who left is not told of');
  t.end();
});
