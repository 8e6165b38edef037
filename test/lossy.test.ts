import './session/lossy/loss.js';
