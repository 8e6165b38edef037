import './graph/conversion.js';
import './graph/corpus.js';
import './graph/branches.js';
import './graph/load.js';
import './graph/plan-property.js';
import './graph/reference.js';
import './graph/run.js';
