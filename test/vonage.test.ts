import './vonage/settings.js';
import './vonage/media.js';
import './vonage/client.js';
import './vonage/callbacks.js';
import './vonage/programs.js';
