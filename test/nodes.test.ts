import './nodes/delay.js';
import './nodes/gain.js';
import './nodes/mixer.js';
import './nodes/null.js';
import './nodes/test-pattern.js';
import './nodes/tone.js';
import './nodes/wav.js';
