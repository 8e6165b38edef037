import t from 'tap';
import { createRnnoiseDetector } from '../../../src/speech/rnnoise-detector.js';
import { voiceDetectorSuite } from '../voice-detector-suite.js';

voiceDetectorSuite(t, createRnnoiseDetector);
