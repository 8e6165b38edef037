import './codecs/samples.js';
import './codecs/opus.js';
import './codecs/resampler.js';
import './codecs/scaler.js';
import './codecs/video.js';
import './codecs/layers.js';
import './codecs/threads.js';
import './codecs/files.js';
