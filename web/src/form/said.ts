// What is wrong with a value in the words of people: which values are allowed, rather than which rule was broken.
import { isObject } from '../objects';
import { count } from '../words';

/** The patterns that many settings share. */
const PATTERNS: Record<string, string> = {
  '^[A-Za-z0-9._~-]+$': 'may have the letters A-Z and a-z, digits, and . _ ~ - only: no spaces, no other signs',
  '^\\s*[0-9.]+\\s*(ms|s|m|h)?\\s*$': 'is a number of seconds, or a time with its unit: 250ms, 30s, 5m, 2h',
};

/** What `keyword` of `schema` wants; none where `otherwise`, which the validator says, is as good. */
export function said(keyword: string, schema: unknown, otherwise: string): string {
  const rule = isObject(schema) ? schema : {};
  const wanted = rule[keyword];
  const many = typeof wanted === 'number' ? wanted : 0;
  switch (keyword) {
    case 'pattern':
      return PATTERNS[String(wanted)] ?? patterned(String(wanted), rule.examples);
    case 'minLength':
      return many === 1 ? 'may not be empty' : `has at least ${count(many, 'character')}`;
    case 'maxLength':
      return `has at most ${count(many, 'character')}`;
    case 'minimum':
      return `is at least ${many.toLocaleString('en')}`;
    case 'maximum':
      return `is at most ${many.toLocaleString('en')}`;
    case 'exclusiveMinimum':
      return `is more than ${many.toLocaleString('en')}`;
    case 'exclusiveMaximum':
      return `is less than ${many.toLocaleString('en')}`;
    case 'minItems':
      return `has at least ${count(many, 'entry', 'entries')}`;
    case 'maxItems':
      return `has at most ${count(many, 'entry', 'entries')}`;
    case 'type':
      return `is ${TYPES[String(wanted)] ?? String(wanted)}`;
    case 'enum':
      return Array.isArray(wanted) ? `is one of ${wanted.map(String).join(', ')}` : otherwise;
    case 'oneOf':
    case 'anyOf':
      return Array.isArray(wanted) && wanted.every((one) => isObject(one) && 'const' in one)
        ? `is one of ${wanted.map((one) => String((one as { const: unknown }).const)).join(', ')}`
        : otherwise;
    default:
      return otherwise;
  }
}

const TYPES: Record<string, string> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'on or off',
  array: 'a list',
  object: 'a set of keys with their values',
};

/** Secrets may be what is stored, or a reference; what is said is the rule for what is typed in clear. */
const STORED = '^\\*{8}$|^\\$\\{|';

function patterned(pattern: string, examples: unknown): string {
  const rule = pattern.startsWith(STORED) ? pattern.slice(STORED.length) : pattern;
  const [, one, some, rest = ''] = /^\^(?:((?:[\w-]|\\\.)+)|\(([\w|-]+)\)([\w-]*))$/.exec(rule) ?? [];
  if (one !== undefined || some !== undefined) {
    return `begins with ${one?.replaceAll('\\.', '.') ?? some!.split('|').map((begin) => begin + rest).join(' or ')}`;
  }
  const [first] = Array.isArray(examples) ? (examples as unknown[]) : [];
  return `does not have the form that is wanted${first === undefined ? `: it has to match ${rule}` : `, such as ${String(first)}`}`;
}
