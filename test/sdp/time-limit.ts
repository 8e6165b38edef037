import t from 'tap';

// A browser and a few hundred generated descriptions take seconds, and a minute on a busy machine.
t.setTimeout(180_000);
