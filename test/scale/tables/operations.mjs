// operations: what of the DynamoDB API (2012-08-10) the program uses, over tables in memory. Each
// takes the parsed body of a request and returns that of the answer, or throws a Refusal.
import { checkPlaceholders, parse } from './expression.mjs';
import { Refusal, invalid, onlyThese, unknown } from './refusal.mjs';
import { Table } from './table.mjs';
import { orderText } from './value.mjs';

const KNOWN = Object.fromEntries(
  Object.entries({
    CreateTable: 'AttributeDefinitions KeySchema BillingMode Tags',
    DescribeTable: '',
    GetItem: 'Key ConsistentRead',
    PutItem: 'Item ConditionExpression ExpressionAttributeNames ExpressionAttributeValues',
    UpdateItem:
      'Key ConditionExpression UpdateExpression ExpressionAttributeNames ExpressionAttributeValues',
    DeleteItem: 'Key ConditionExpression ExpressionAttributeNames ExpressionAttributeValues',
    Query:
      'KeyConditionExpression ProjectionExpression ScanIndexForward Limit ExclusiveStartKey ' +
      'ConsistentRead ExpressionAttributeNames ExpressionAttributeValues',
    Scan: 'Limit ExclusiveStartKey ConsistentRead',
  }).map(([operation, names]) => [operation, new Set(['TableName', ...names.split(' ')])]),
);
const NOTHING = Object.freeze({});

function readKeys({ AttributeDefinitions: definitions, KeySchema: schema }) {
  if (!Array.isArray(definitions) || !Array.isArray(schema) || schema.length !== definitions.length)
    throw invalid('AttributeDefinitions and KeySchema must name the same attributes');
  const kinds = schema.map((one) => one.KeyType).join();
  if (kinds !== 'HASH' && kinds !== 'HASH,RANGE') throw invalid(`Invalid KeySchema: ${kinds}`);
  return schema.map(({ AttributeName: name }) => {
    const type = definitions.find((one) => one.AttributeName === name)?.AttributeType;
    if (type !== 'S' && type !== 'N') throw unknown(`keys of the type ${type}`);
    return { name, type };
  });
}

function describe(table) {
  return {
    TableName: table.name,
    TableStatus: 'ACTIVE',
    AttributeDefinitions: table.keys.map(({ name, type }) => ({
      AttributeName: name,
      AttributeType: type,
    })),
    KeySchema: table.keys.map(({ name }, i) => ({
      AttributeName: name,
      KeyType: i === 0 ? 'HASH' : 'RANGE',
    })),
  };
}

// The placeholders of a request, and its expressions, which must use them all.
function read(request, kinds) {
  const scope = {
    names: request.ExpressionAttributeNames ?? NOTHING,
    values: request.ExpressionAttributeValues ?? NOTHING,
  };
  const found = { scope };
  const all = [];
  for (const [field, kind] of kinds) {
    if (request[field] === undefined) continue;
    found[kind] = parse(kind, request[field]);
    all.push(found[kind]);
  }
  checkPlaceholders(scope, all);
  return found;
}

const CONDITION = [['ConditionExpression', 'condition']];
const UPDATE = [...CONDITION, ['UpdateExpression', 'update']];
const QUERY = [
  ['KeyConditionExpression', 'key'],
  ['ProjectionExpression', 'projection'],
];

function checkCondition({ condition, scope }, item) {
  if (condition !== undefined && !condition.run(item ?? NOTHING, scope))
    throw new Refusal('ConditionalCheckFailedException', 'The conditional request failed');
}

// The names of what an update sets, each once.
function readTargets({ update, scope }) {
  if (update === undefined) throw unknown('UpdateItem without an UpdateExpression');
  const names = update.targets.map((target) => scope.names[target]);
  if (new Set(names).size !== names.length)
    throw invalid('Two document paths overlap with each other');
  return names;
}

// The terms of a Query by key: {hash, range}, of which the latter may be undefined.
function sortTerms(table, terms) {
  const sorted = table.keys.map((key) => terms.filter((term) => term.name === key.name));
  const [[hash], [range] = []] = sorted;
  if (
    !hash?.equals ||
    sorted.flat().length !== terms.length ||
    sorted.some((one) => one.length > 1)
  )
    throw invalid('Query key condition not supported');
  for (const [i, term] of [hash, range].entries())
    for (const bound of term?.bounds ?? [])
      if (bound[table.keys[i].type] === undefined)
        throw invalid('One or more parameter values were invalid: Condition parameter type');
  return { hash: orderText(hash.bounds[0]), range };
}

function readLimit({ Limit: limit }) {
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0))
    throw invalid('Limit must be at least 1');
  return limit;
}

function answer({ rows, last }, shown = (item) => item) {
  const items = rows.map((row) => shown(row.item));
  const found = { Items: items, Count: items.length, ScannedCount: items.length };
  return last === undefined ? found : { ...found, LastEvaluatedKey: last };
}

export class Operations {
  constructor() {
    this.tables = new Map();
  }

  // `request` is what JSON.parse made of the body, and is kept where it is stored.
  run(operation, request) {
    const known = KNOWN[operation];
    if (known === undefined)
      throw new Refusal('UnknownOperationException', `this double does not know ${operation}`);
    if (request === null || typeof request !== 'object') throw invalid('the body is no object');
    onlyThese(request, known, operation);
    if (typeof request.TableName !== 'string') throw invalid('TableName is missing');
    return this[operation](request);
  }

  table({ TableName: name }) {
    const table = this.tables.get(name);
    if (table !== undefined) return table;
    throw new Refusal('ResourceNotFoundException', `Requested resource not found: Table: ${name}`);
  }

  CreateTable(request) {
    const name = request.TableName;
    if (!/^[\w.-]{3,255}$/.test(name)) throw invalid(`TableName is ${name}`);
    if (request.BillingMode !== 'PAY_PER_REQUEST') throw unknown('a BillingMode with capacities');
    if (this.tables.has(name))
      throw new Refusal('ResourceInUseException', `Table already exists: ${name}`);
    const table = new Table(name, readKeys(request));
    this.tables.set(name, table);
    return { TableDescription: describe(table) };
  }

  DescribeTable(request) {
    return { Table: describe(this.table(request)) };
  }

  GetItem(request) {
    const table = this.table(request);
    const item = table.get(table.placeOfKey(request.Key));
    return item === undefined ? {} : { Item: item };
  }

  PutItem(request) {
    const expressions = read(request, CONDITION);
    const table = this.table(request);
    const item = request.Item;
    if (item === null || typeof item !== 'object') throw invalid('Item is no object');
    const at = table.placeOf(item);
    checkCondition(expressions, table.get(at));
    table.put(at, item);
    return {};
  }

  UpdateItem(request) {
    const expressions = read(request, UPDATE);
    const targets = readTargets(expressions);
    const table = this.table(request);
    const at = table.placeOfKey(request.Key);
    if (table.keys.some(({ name }) => targets.includes(name)))
      throw invalid('Cannot update an attribute that is part of the key');
    const before = table.get(at);
    checkCondition(expressions, before);
    const item = { ...(before ?? request.Key) };
    const { update, scope } = expressions;
    for (const [name, value] of update.run(before ?? NOTHING, scope)) item[name] = value;
    table.put(at, item);
    return {};
  }

  DeleteItem(request) {
    const expressions = read(request, CONDITION);
    const table = this.table(request);
    const at = table.placeOfKey(request.Key);
    checkCondition(expressions, table.get(at));
    table.remove(at);
    return {};
  }

  Query(request) {
    const { key, projection, scope } = read(request, QUERY);
    const limit = readLimit(request);
    if (key === undefined) throw invalid('Query needs a KeyConditionExpression');
    const terms = key.run(scope);
    const table = this.table(request);
    const { hash, range } = sortTerms(table, terms);
    const holds = (item) => range === undefined || range.holds(item[table.range]);
    const start = request.ExclusiveStartKey;
    const after = start && table.placeOfKey(start);
    if (after && (after.hash !== hash || !holds(start)))
      throw invalid('The provided starting key is outside query boundaries');
    const page = table.query(hash, {
      holds,
      after: after?.range,
      descending: request.ScanIndexForward === false,
      limit,
    });
    return answer(page, projection && ((item) => projection.run(item, scope)));
  }

  Scan(request) {
    const limit = readLimit(request);
    const table = this.table(request);
    const start = request.ExclusiveStartKey;
    const after = start && table.placeOfKey(start);
    return answer(table.scan({ after, limit }));
  }
}
