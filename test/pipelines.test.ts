import './pipelines/bridge.js';
import './pipelines/compose.js';
import './pipelines/demo.js';
import './pipelines/echo.js';
import './pipelines/late-and-lost.js';
import './pipelines/mix.js';
import './pipelines/play-and-record.js';
import './pipelines/shipped.js';
