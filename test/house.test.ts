import './house/commands.js';
import './house/error-table.js';
import './house/exports.js';
import './house/generated.js';
import './house/import-cost.js';
import './house/npm-policy.js';
import './house/required-programs.js';
import './house/video-connector.js';
