import './cli/commands.js';
import './cli/graphs.js';
import './cli/sessions.js';
import './cli/serve.js';
import './cli/running.js';
import './cli/metrics.js';
import './cli/own-nodes.js';
