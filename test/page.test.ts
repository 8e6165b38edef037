import './page/params.js';
import './page/problems.js';
import './page/join.js';
import './page/level.js';
import './page/captions.js';
import './page/layout.js';
import './page/traffic.js';
import './page/build.js';
