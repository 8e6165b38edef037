import './e2e/echo-page.js';
