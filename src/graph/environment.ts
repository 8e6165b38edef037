import { SluiceError } from '../media/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Fills `${NAME}` and `${NAME:-default}` from the environment; the default also stands in for an empty value.
 * `$${` is a plain `${`. Values never show up in errors. Errors: SLUICE_CONFIG_INVALID when a variable is not set.
 */
export function substitute(text: string, environment: Environment): string {
  if (!text.includes('${')) return text;
  return text.replaceAll(/\$\$\{|\$\{([^{}]*)\}/g, (whole, inner: string | undefined) => {
    if (inner === undefined) return whole.slice(1);
    const match = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/.exec(inner);
    const name = match?.[1];
    if (name === undefined) {
      throw new SluiceError('SLUICE_CONFIG_INVALID', `\${${inner}} does not name an environment variable`, {
        found: `\${${inner}}`,
        expected: 'a name of letters, digits and _',
        mend: 'Write ${NAME} or ${NAME:-default}; a plain ${ is written $${.',
      });
    }
    const value = environment[name];
    const fallback = match?.[2];
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback !== undefined) return fallback;
    throw new SluiceError('SLUICE_CONFIG_INVALID', `environment variable ${name} is not set`, {
      found: `\${${name}} without a default`,
      expected: `a value of ${name}`,
      mend: `Set ${name}, or give a default: \${${name}:-default}.`,
    });
  });
}

/** A text from the environment as the number or boolean that it spells; any other text as it is. */
export function typedScalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Whether a text is one `${…}` and nothing else, so that its value may be a number or a boolean. */
export function isOneVariable(text: string): boolean {
  return /^\$\{[^{}]*\}$/.test(text);
}
