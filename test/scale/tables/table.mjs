// table: the rows of one table, by partition and in the order of their range keys.
import { createHash } from 'node:crypto';
import { invalid } from './refusal.mjs';
import { checkedSize, compareTexts, itemSize, orderText, typeOf } from './value.mjs';

const PAGE_SIZE_MAX = 1024 * 1024;
const KEY_SIZE_MAX = { HASH: 2048, RANGE: 1024 };
const NO_RANGE = '';

// Where `text` stands in the sorted `texts`, or would.
function place(texts, text) {
  let [low, high] = [0, texts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareTexts(texts[middle], text) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The rows of one hash key: a row is {item, size}.
class Partition {
  constructor() {
    this.texts = []; // of the range keys, sorted
    this.rows = new Map(); // by these texts
  }

  put(text, row) {
    if (!this.rows.has(text)) {
      const last = this.texts.length - 1;
      if (last < 0 || compareTexts(this.texts[last], text) < 0) this.texts.push(text);
      else this.texts.splice(place(this.texts, text), 0, text);
    }
    this.rows.set(text, row);
  }

  remove(text) {
    if (this.rows.delete(text)) this.texts.splice(place(this.texts, text), 1);
  }
}

export class Table {
  // `keys`: [{name, type}] of the hash key and, where there is one, the range key.
  constructor(name, keys) {
    this.name = name;
    this.keys = keys;
    this.partitions = new Map(); // by the text of the hash key
    this.order = null; // of the partitions in a scan; null: it has to be found again
  }

  get hash() {
    return this.keys[0].name;
  }

  get range() {
    return this.keys[1]?.name;
  }

  // The texts of the keys, from an item or a key; refuses what is no key of this table.
  placeOf(item) {
    const texts = this.keys.map(({ name, type }, i) => {
      const value = Object.hasOwn(item, name) ? item[name] : undefined;
      if (value === undefined) throw invalid(`One of the required keys was not given: ${name}`);
      if (typeOf(value) !== type) throw invalid(`Type mismatch for key ${name}, expected: ${type}`);
      const size = checkedSize(value);
      if (size === 0 || size > KEY_SIZE_MAX[i === 0 ? 'HASH' : 'RANGE'])
        throw invalid(`The key ${name} is empty or too long`);
      return orderText(value);
    });
    return { hash: texts[0], range: texts[1] ?? NO_RANGE };
  }

  // The same of what may hold nothing but the key.
  placeOfKey(key) {
    if (key === null || typeof key !== 'object' || Object.keys(key).length !== this.keys.length)
      throw invalid('The provided key element does not match the schema');
    return this.placeOf(key);
  }

  get({ hash, range }) {
    return this.partitions.get(hash)?.rows.get(range)?.item;
  }

  put({ hash, range }, item) {
    const row = { item, size: itemSize(item) };
    let partition = this.partitions.get(hash);
    if (partition === undefined) {
      partition = new Partition();
      this.partitions.set(hash, partition);
      this.order = null;
    }
    partition.put(range, row);
  }

  remove({ hash, range }) {
    const partition = this.partitions.get(hash);
    if (partition === undefined) return;
    partition.remove(range);
    if (partition.texts.length > 0) return;
    this.partitions.delete(hash);
    this.order = null;
  }

  // The key of a row as the answer has it.
  keyOf(item) {
    return Object.fromEntries(this.keys.map(({ name }) => [name, item[name]]));
  }

  // The rows of a partition from where on `holds(range value)`, in one direction, as a page.
  query(hash, { holds, after, descending, limit }) {
    const partition = this.partitions.get(hash);
    if (partition === undefined) return { rows: [] };
    const { texts, rows } = partition;
    const step = descending ? -1 : 1;
    let at = descending ? texts.length - 1 : 0;
    if (after !== undefined) {
      at = place(texts, after);
      if (descending) at--;
      else if (texts[at] === after) at++;
    }
    function* following() {
      for (; at >= 0 && at < texts.length; at += step) {
        const row = rows.get(texts[at]);
        if (holds(row.item)) yield row;
      }
    }
    return this.page(following(), limit);
  }

  // All rows behind a place, in an order that has nothing to do with that of the keys.
  scan({ after, limit }) {
    this.order ??= [...this.partitions.keys()]
      .map((hash) => ({ hash, place: scanPlace(hash) }))
      .sort((a, b) => compareTexts(a.place, b.place));
    const { order, partitions } = this;
    function* following() {
      const from = after && scanPlace(after.hash);
      for (const { hash, place: at } of order) {
        if (after && compareTexts(at, from) < 0) continue;
        const { texts, rows } = partitions.get(hash);
        let next = 0;
        if (after && at === from) {
          next = place(texts, after.range);
          if (texts[next] === after.range) next++;
        }
        for (; next < texts.length; next++) yield rows.get(texts[next]);
      }
    }
    return this.page(following(), limit);
  }

  // Rows up to the limit, or to the one that fills a megabyte; `last` is the key to go on behind.
  page(following, limit = Infinity) {
    const rows = [];
    let size = 0;
    for (const row of following) {
      rows.push(row);
      size += row.size;
      if (rows.length === limit || size >= PAGE_SIZE_MAX)
        return { rows, last: this.keyOf(row.item) };
    }
    return { rows };
  }
}

function scanPlace(hash) {
  return createHash('md5').update(hash).digest('hex');
}
