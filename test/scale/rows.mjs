// rows: what AWS's own SDK reads of a table. usage: rows.mjs TABLE '{"hash key": "value"}'
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';

const [table, key] = process.argv.slice(2);
const [name, value] = Object.entries(JSON.parse(key))[0];
const plain = (v) =>
  v.S ?? (v.N !== undefined ? Number(v.N) : v.M ? object(v.M) : v.L ? v.L.map(plain) : v.BOOL);
const object = (m) => Object.fromEntries(Object.entries(m).map(([k, v]) => [k, plain(v)]));
const client = new DynamoDBClient({ endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB });
const { Items } = await client.send(
  new QueryCommand({
    TableName: table,
    KeyConditionExpression: '#k = :v',
    ExpressionAttributeNames: { '#k': name },
    ExpressionAttributeValues: { ':v': { S: value } },
    ConsistentRead: true,
  }),
);
console.log(JSON.stringify(Items.map(object)));
