import './media/media-buffer.js';
import './media/clock.js';
