import './unit-test/virtual-time.js';
import './unit-test/session-contract.js';
import './unit-test/expectations.js';
import './unit-test/test-files.js';
import './unit-test/determinism.js';
