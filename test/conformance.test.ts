import './session/conformance/joining.js';
import './session/conformance/resuming.js';
import './session/conformance/permissions.js';
import './session/conformance/audio.js';
import './session/conformance/video.js';
import './session/conformance/buffers.js';
import './session/conformance/layers.js';
