import './session/migration/moving.js';
import './session/migration/staying.js';
import './session/migration/buffers.js';
import './session/migration/away.js';
import './session/migration/attributes.js';
import './session/migration/captions.js';
import './session/migration/muting.js';
