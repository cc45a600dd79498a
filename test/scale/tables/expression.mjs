// expression: the conditions, updates and key conditions of the DynamoDB API that the program
// writes, parsed once per text. What else the service knows is refused.
//
//   condition   terms of AND, OR, NOT and brackets over `#name = :value` (<, <=, >, >=),
//               attribute_exists(#name), attribute_not_exists(#name)
//   update      SET #name = :value, #name = if_not_exists(#name, :value), ...
//   key         #hash = :value [AND #range = :value (<, <=, >, >=, BETWEEN :value AND :value)]
//   projection  #name, #name, ...
//
// All return {run, names, values, targets}: the placeholders that they use, and those of the
// attributes that an update sets.
import { invalid, unknown } from './refusal.mjs';
import { compareValues } from './value.mjs';

const TOKEN = /\s*([#:]\w+|<>|<=|>=|[<>=(),]|[A-Za-z_]\w*|\S)/y;
const CACHED_MAX = 10000;
const COMPARISONS = {
  '=': (order) => order === 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

class Parser {
  constructor(text) {
    this.text = text;
    this.tokens = [];
    this.at = 0;
    this.names = new Set();
    this.values = new Set();
    this.targets = [];
    TOKEN.lastIndex = 0;
    for (let match; (match = TOKEN.exec(text));) this.tokens.push(match[1]);
  }

  peek() {
    return this.tokens[this.at];
  }

  is(word) {
    return this.peek()?.toUpperCase() === word;
  }

  takes(word) {
    if (!this.is(word)) return false;
    this.at++;
    return true;
  }

  expect(word) {
    if (!this.takes(word)) throw this.unexpected(word);
  }

  unexpected(wanted) {
    return unknown(`"${this.text}": "${this.peek() ?? 'its end'}" where ${wanted} should be`);
  }

  placeholder(sign, all) {
    const token = this.peek();
    if (token?.[0] !== sign || token.length === 1) throw this.unexpected(`a ${sign} placeholder`);
    this.at++;
    all.add(token);
    return token;
  }

  name() {
    return this.placeholder('#', this.names);
  }

  value() {
    return this.placeholder(':', this.values);
  }

  comparison() {
    const compares = COMPARISONS[this.peek()];
    if (compares === undefined) throw this.unexpected('one of = < <= > >=');
    this.at++;
    return compares;
  }

  list(one) {
    const found = [one()];
    while (this.takes(',')) found.push(one());
    return found;
  }

  end(run) {
    if (this.peek() !== undefined) throw this.unexpected('the end');
    return { run, names: this.names, values: this.values, targets: this.targets };
  }
}

function attribute(item, scope, name) {
  const is = scope.names[name];
  return Object.hasOwn(item, is) ? item[is] : undefined;
}

function existence(parser) {
  const wanted = parser.peek() === 'attribute_exists';
  parser.at++;
  parser.expect('(');
  const name = parser.name();
  parser.expect(')');
  return (item, scope) => (attribute(item, scope, name) !== undefined) === wanted;
}

function primary(parser) {
  if (parser.takes('(')) {
    const inner = either(parser);
    parser.expect(')');
    return inner;
  }
  if (['attribute_exists', 'attribute_not_exists'].includes(parser.peek()))
    return existence(parser);
  const name = parser.name();
  const compares = parser.comparison();
  const value = parser.value();
  return (item, scope) => {
    const is = attribute(item, scope, name);
    const wanted = scope.values[value];
    if (wanted.S === undefined && wanted.N === undefined)
      throw unknown('comparisons with what is neither S nor N');
    return is !== undefined && compares(compareValues(is, wanted));
  };
}

function negation(parser) {
  if (!parser.takes('NOT')) return primary(parser);
  const inner = negation(parser);
  return (item, scope) => !inner(item, scope);
}

function both(parser) {
  const parts = [negation(parser)];
  while (parser.takes('AND')) parts.push(negation(parser));
  if (parts.length === 1) return parts[0];
  return (item, scope) => parts.every((part) => part(item, scope));
}

function either(parser) {
  const parts = [both(parser)];
  while (parser.takes('OR')) parts.push(both(parser));
  if (parts.length === 1) return parts[0];
  return (item, scope) => parts.some((part) => part(item, scope));
}

function assignment(parser) {
  const name = parser.name();
  parser.targets.push(name);
  parser.expect('=');
  if (parser.peek() !== 'if_not_exists') {
    const value = parser.value();
    return (item, scope) => [scope.names[name], scope.values[value]];
  }
  parser.at++;
  parser.expect('(');
  const looked = parser.name();
  parser.expect(',');
  const value = parser.value();
  parser.expect(')');
  return (item, scope) => [
    scope.names[name],
    attribute(item, scope, looked) ?? scope.values[value],
  ];
}

// Of one key: scope => {name, whether it `equals` something, its bounds, holds(value)}.
function keyTerm(parser) {
  const name = parser.name();
  if (parser.takes('BETWEEN')) return between(parser, name);
  const equals = parser.peek() === '=';
  const compares = parser.comparison();
  const value = parser.value();
  return ({ names, values }) => {
    const bound = values[value];
    const holds = (is) => compares(compareValues(is, bound));
    return { name: names[name], equals, bounds: [bound], holds };
  };
}

function between(parser, name) {
  const from = parser.value();
  parser.expect('AND');
  const to = parser.value();
  return ({ names, values }) => {
    const bounds = [values[from], values[to]];
    if (compareValues(...bounds) > 0)
      throw invalid('The BETWEEN operator requires upper bound to be greater than the lower bound');
    const holds = (is) => compareValues(is, bounds[0]) >= 0 && compareValues(is, bounds[1]) <= 0;
    return { name: names[name], equals: false, bounds, holds };
  };
}

const GRAMMARS = {
  // (item, scope) => whether it holds
  condition: either,
  // (item, scope) => [[attribute, new value], ...], all read from the item as it was
  update: (parser) => {
    parser.expect('SET');
    const all = parser.list(() => assignment(parser));
    return (item, scope) => all.map((one) => one(item, scope));
  },
  // scope => one or two terms
  key: (parser) => {
    const terms = [keyTerm(parser)];
    if (parser.takes('AND')) terms.push(keyTerm(parser));
    return (scope) => terms.map((term) => term(scope));
  },
  // (item, scope) => the item with these attributes alone
  projection: (parser) => {
    const all = parser.list(() => parser.name());
    return (item, scope) => {
      const only = {};
      for (const name of all) {
        const is = attribute(item, scope, name);
        if (is !== undefined) only[scope.names[name]] = is;
      }
      return only;
    };
  },
};

const parsed = new Map();

// `kind` is one of GRAMMARS.
export function parse(kind, text) {
  const key = `${kind} ${text}`;
  let found = parsed.get(key);
  if (found === undefined) {
    if (typeof text !== 'string') throw invalid(`the ${kind} expression is no string`);
    const parser = new Parser(text);
    found = parser.end(GRAMMARS[kind](parser));
    if (parsed.size >= CACHED_MAX) parsed.clear();
    parsed.set(key, found);
  }
  return found;
}

function checkUse(given, used, what) {
  for (const name of used)
    if (!Object.hasOwn(given, name))
      throw invalid(`An expression attribute ${what} used in expression is not defined: ${name}`);
  for (const name in given)
    if (!used.has(name)) throw invalid(`${name} is unused in the expressions (${what})`);
}

const NONE = new Set();

// Every placeholder is given, and every given one is used by one of the expressions.
export function checkPlaceholders(scope, expressions) {
  const used = (of) => {
    if (expressions.length === 0) return NONE;
    if (expressions.length === 1) return expressions[0][of];
    return new Set(expressions.flatMap((one) => [...one[of]]));
  };
  checkUse(scope.names, used('names'), 'name');
  checkUse(scope.values, used('values'), 'value');
}
