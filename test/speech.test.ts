import './speech/chain.js';
import './speech/funnel.js';
import './speech/program.js';
import './speech/text-nodes.js';
import './speech/utterances.js';
import './speech/vad.js';
import './speech/wav-reader.js';
