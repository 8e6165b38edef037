import './cli/commands.js';
import './cli/sessions.js';
