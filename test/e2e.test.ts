import './e2e/agent-page.js';
import './e2e/echo-page.js';
import './e2e/words-page.js';
