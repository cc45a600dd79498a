// value: attribute values, {"S": "text"}: what is one, how large it is, and which comes first.
import { invalid, unknown } from './refusal.mjs';

const ITEM_SIZE_MAX = 400 * 1024;
const DEPTH_MAX = 32;
const DIGITS_MAX = 38;

// The service compares the bytes of UTF-8, JavaScript the 16-bit units of UTF-16: of these, a half
// of a pair stands for what comes after all others.
export function compareTexts(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return bytesOrder(left) - bytesOrder(right);
  }
  return a.length - b.length;
}

function bytesOrder(unit) {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

// Texts of numbers that compare as the numbers do: only those that are neither negative nor broken.
function digitsOf(text) {
  const digits = /^0*(\d+)$/.exec(text)?.[1];
  if (digits === undefined) throw unknown(`the number ${text}: it is no natural one`);
  if (digits.length > DIGITS_MAX) throw invalid(`${text} has more than 38 significant digits`);
  return digits;
}

// A text that orders keys of one type, and is the same for the same keys.
export function orderText(value) {
  return value.N === undefined ? value.S : value.N.padStart(DIGITS_MAX, '0');
}

export function typeOf(value) {
  if (value === null || typeof value !== 'object') throw invalid('a value is no object');
  const types = Object.keys(value);
  if (types.length !== 1) throw invalid(`a value has ${types.length} types, and must have one`);
  return types[0];
}

function textOf(value, type) {
  if (typeof value !== 'string') throw invalid(`${type} is no string`);
  return value;
}

function mapSize(map, depth) {
  let size = 3;
  for (const name in map) size += 1 + Buffer.byteLength(name) + checkedSize(map[name], depth + 1);
  return size;
}

// What the service counts; refuses what is no value. Numbers lose their leading zeros.
export function checkedSize(value, depth = 0) {
  const type = typeOf(value);
  const is = value[type];
  if (depth > DEPTH_MAX) throw invalid('Nesting Levels have exceeded supported limits');
  if (type === 'S') return Buffer.byteLength(textOf(is, 'S'));
  if (type === 'N') {
    value.N = digitsOf(textOf(is, 'N'));
    return 1 + Math.ceil((value.N.length + 1) / 2);
  }
  if (type === 'BOOL') {
    if (typeof is !== 'boolean') throw invalid('BOOL is neither true nor false');
    return 1;
  }
  if (type === 'M' && is !== null && typeof is === 'object' && !Array.isArray(is))
    return mapSize(is, depth);
  if (type === 'L' && Array.isArray(is))
    return is.reduce((size, one) => size + 1 + checkedSize(one, depth + 1), 3);
  if (type === 'M' || type === 'L') throw invalid(`${type} is none`);
  throw unknown(`values of the type ${type}`);
}

export function itemSize(item) {
  let size = 0;
  for (const name in item) size += Buffer.byteLength(name) + checkedSize(item[name]);
  if (size > ITEM_SIZE_MAX) throw invalid('Item size has exceeded the maximum allowed size');
  return size;
}

// Less than, equal to or more than nothing, as a comes before b; NaN where they do not compare.
export function compareValues(a, b) {
  if (a.S !== undefined && b.S !== undefined) return compareTexts(a.S, b.S);
  if (a.N === undefined || b.N === undefined) return NaN;
  return compareTexts(orderText(a), orderText(b));
}
