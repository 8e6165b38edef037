import './media/audio-ring.js';
import './media/clock.js';
import './media/limiter.js';
import './media/media-buffer.js';
import './media/mix-minus.js';
import './media/picture-layout.js';
import './media/public-url.js';
import './media/stream-filter.js';
