#!/usr/bin/python3
"""same_tables: our double of DynamoDB's API answers as dynalite does, and refuses what it is no
double of.

usage: same_tables.py [--requests 1000] [--seed 1]

Both are asked the same at random, good and bad, and must say the same: the status, the kind of
error, the rows and the key to go on behind. The order of a scan is each one's own, so of scans all
pages together are compared.
"""
import argparse
import http.client
import json
import random
import sys

import doubles

BEYOND = '😀'  # in keys alone: dynalite sorts it by its bytes, and compares it by its UTF-16
TEXTS = ['a', 'b', 'ab', 'Z', '~', 'é', '\uffee', 'x' * 300]
NAMES = ['text', 'number', 'flag', 'map']
TABLES = {'by_number': ('hash', 'N'), 'by_text': ('hash', 'S'), 'alone': ('hash', None)}
ITEM_SIZE_MAX = 400 * 1024
CREATE = {'BillingMode': 'PAY_PER_REQUEST'}
# What the service may know, and the double must not pretend to.
REFUSED = [
    ('TransactWriteItems', {'TransactItems': []}),
    ('BatchGetItem', {'RequestItems': {}}),
    ('DeleteTable', {'TableName': 'alone'}),
    ('PutItem', {'Item': {'hash': {'S': 'a'}}, 'ReturnValues': 'ALL_OLD'}),
    ('PutItem', {'Item': {'hash': {'S': 'a'}, 'set': {'SS': ['a']}}}),
    ('PutItem', {'Item': {'hash': {'S': 'a'}, 'number': {'N': '-1'}}}),
    ('PutItem', {'Item': {'hash': {'S': 'a'}, 'number': {'N': '1.5'}}}),
    ('PutItem', {'Item': {'hash': {'S': 'a'}}, 'ConditionExpression': 'attribute_exists(hash)'}),
    *(('PutItem', {'Item': {'hash': {'S': 'a'}}, 'ConditionExpression': text,
                   'ExpressionAttributeNames': {'#a': 'text'},
                   'ExpressionAttributeValues': {':a': {'S': 'a'}}})
      for text in ('begins_with(#a, :a)', 'contains(#a, :a)', '#a <> :a', '#a IN (:a)',
                   'size(#a) = :a', '#a.b = :a', '#a[0] = :a', '#a = :a extra', ':a = #a')),
    *(('UpdateItem', {'Key': {'hash': {'S': 'a'}}, 'UpdateExpression': text,
                      'ExpressionAttributeNames': {'#a': 'number'},
                      'ExpressionAttributeValues': {':a': {'N': '1'}}})
      for text in ('ADD #a :a', 'SET #a = #a + :a', 'REMOVE #a', 'SET #a = list_append(#a, :a)')),
    ('Query', {'KeyConditionExpression': '#a = :a', 'IndexName': 'other',
               'ExpressionAttributeNames': {'#a': 'hash'},
               'ExpressionAttributeValues': {':a': {'S': 'a'}}}),
    ('Scan', {'FilterExpression': '#a = :a'}),
]


class Service:
    def __init__(self, port):
        self.line = http.client.HTTPConnection('127.0.0.1', port)

    def ask(self, operation, body):
        """The status and the body; of an error its kind alone, since each words it as it likes."""
        self.line.request('POST', '/', json.dumps(body), {
            'content-type': 'application/x-amz-json-1.0',
            'x-amz-target': f'DynamoDB_20120810.{operation}', 'authorization':
            'AWS4-HMAC-SHA256 Credential=A/20240115/eu-west-1/dynamodb/aws4_request, '
            'SignedHeaders=host, Signature=0', 'x-amz-date': '20240115T094200Z'})
        answer = self.line.getresponse()
        found = json.loads(answer.read())
        if answer.status != 200:
            return answer.status, found['__type'].rsplit('#')[-1]
        return answer.status, found

    def scan(self, body):
        rows = []
        for _ in range(1000):
            status, page = self.ask('Scan', body)
            if status != 200:
                return status, page
            rows += [json.dumps(row, sort_keys=True) for row in page['Items']]
            if 'LastEvaluatedKey' not in page:
                return status, sorted(rows)
            body = {**body, 'ExclusiveStartKey': page['LastEvaluatedKey']}
        raise AssertionError('a scan does not end')


class Author:
    """Makes requests up."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def often(self, percent):
        return self.random.randrange(100) < percent

    def value(self, kind):
        if kind == 'N':
            numbers = ['0', '7', '007', '10', '9', '9007199254740993', '9007199254740992',
                       str(self.random.randrange(40))]
            return {'N': self.random.choice(numbers)}
        return {'S': self.random.choice(TEXTS)}

    def attribute(self, name):
        if name == 'flag':
            return {'BOOL': self.often(50)}
        if name == 'map':
            return {'M': {'in': self.value('S'), 'list': {'L': [self.value('N')] * 2}}}
        return self.value('N' if name == 'number' else 'S')

    def key(self, table):
        hash_name, range_type = TABLES[table]
        key = {hash_name: {'S': self.random.choice('abc')}}
        if range_type is not None:
            key['range'] = self.value(range_type)
            if range_type == 'S' and self.often(10):
                key['range'] = {'S': BEYOND}
        if self.often(2):
            del key[self.random.choice(list(key))]
        if self.often(2) and key:
            key[self.random.choice(list(key))] = {'BOOL': True}
        return key

    def terms(self, request, text):
        """Gives the placeholders in a text their names and values, now and then not all."""
        names = {name: f'#{name[0]}' for name in (*NAMES, 'hash', 'range')}
        values = {}
        parts = []
        for part in text.split():
            if part in names:
                request.setdefault('ExpressionAttributeNames', {})[names[part]] = part
                parts.append(names[part])
            elif part in 'NS':
                where = f':v{len(values)}{request["TableName"]}{len(request)}'
                values[where] = self.value(part)
                parts.append(where)
            else:
                parts.append(part)
        given = request.setdefault('ExpressionAttributeValues', {})
        given.update(values)
        if not given:
            del request['ExpressionAttributeValues']
        if self.often(1) and given:
            given.popitem()
        if self.often(1):
            request.setdefault('ExpressionAttributeNames', {})['#unused'] = 'unused'
        return ' '.join(parts)

    def condition(self):
        one = ['attribute_exists( text )', 'attribute_not_exists( number )', 'text = S',
               'number = N', 'number < N', 'number <= N', 'number >= N', 'text > S', 'text < N',
               '( attribute_not_exists( number ) OR number < N )', 'NOT text = S',
               'attribute_not_exists( hash )']
        joint = self.random.choice([' AND ', ' OR '])
        return joint.join(self.random.choice(one) for _ in range(self.random.randrange(1, 3)))

    def conditioned(self, request):
        if self.often(60):
            request['ConditionExpression'] = self.terms(request, self.condition())
        return request

    def put(self, table):
        item = {**self.key(table), **{name: self.attribute(name)
                                      for name in NAMES if self.often(50)}}
        return 'PutItem', self.conditioned({'TableName': table, 'Item': item})

    def update(self, table):
        texts = ['text = S', 'number = N', 'number = if_not_exists( number , N )',
                 'text = S , number = N', 'map = S', 'text = S , text = S', 'hash = S']
        weights = [4, 4, 4, 4, 2, 1, 1]
        request = self.conditioned({'TableName': table, 'Key': self.key(table)})
        text = self.random.choices(texts, weights)[0]
        request['UpdateExpression'] = 'SET ' + self.terms(request, text)
        return 'UpdateItem', request

    def delete(self, table):
        return 'DeleteItem', self.conditioned({'TableName': table, 'Key': self.key(table)})

    def get(self, table):
        return 'GetItem', {'TableName': table, 'Key': self.key(table), 'ConsistentRead': True}

    def query(self, table):
        of_range = TABLES[table][1]
        request = {'TableName': table, 'ConsistentRead': True}
        text = 'hash = S'
        if of_range is not None and self.often(70):
            text += self.random.choice([f' AND range {sign} {of_range}'
                                        for sign in ('=', '<', '<=', '>', '>=')] +
                                       [f' AND range BETWEEN {of_range} AND {of_range}'] * 4)
        request['KeyConditionExpression'] = self.terms(request, text)
        for name, value in request.get('ExpressionAttributeValues', {}).items():
            if name.startswith(':v0'):
                value['S'] = self.random.choice('abc')
        if self.often(50):
            request['Limit'] = self.random.randrange(5)
        if self.often(40):
            request['ScanIndexForward'] = self.often(50)
        if self.often(30):
            request['ExclusiveStartKey'] = self.key(table)
            if 'range' in text:
                request['ExclusiveStartKey']['range'] = self.value(of_range)
        if self.often(20):
            request['ProjectionExpression'] = self.terms(request, 'text')
        return 'Query', request

    def request(self):
        table = self.random.choice(list(TABLES))
        make = self.random.choices([self.put, self.update, self.delete, self.get, self.query],
                                   [30, 20, 5, 10, 35])[0]
        operation, request = make(table)
        if self.often(1):
            request['TableName'] = 'nowhere'
        return operation, request


def create(service):
    for table, (hash_name, range_type) in TABLES.items():
        keys = [(hash_name, 'S', 'HASH')]
        if range_type is not None:
            keys.append(('range', range_type, 'RANGE'))
        body = {**CREATE, 'TableName': table, 'AttributeDefinitions': [
            {'AttributeName': name, 'AttributeType': kind} for name, kind, _ in keys],
            'KeySchema': [{'AttributeName': name, 'KeyType': role} for name, _, role in keys]}
        status, answer = service.ask('CreateTable', body)
        assert status == 200, answer
        while service.ask('DescribeTable', {'TableName': table})[1]['Table']['TableStatus'] != \
                'ACTIVE':
            pass
        assert service.ask('CreateTable', body) == (400, 'ResourceInUseException')


def compare_large(ours, theirs):
    """Rows at the largest size and past it, and pages that end at a megabyte."""
    beside = len('hash' + 'large' + 'range' + '001' + 'text')
    for size, fits in ((ITEM_SIZE_MAX - beside, True), (ITEM_SIZE_MAX - beside + 1, False),
                       (150000, True), (149990, True), (1000, True)):
        for number in range(3 if fits else 1):
            item = {'hash': {'S': 'large'}, 'range': {'S': f'{size % 97}{number}'.zfill(3)},
                    'text': {'S': 'l' * size}}
            body = {'TableName': 'by_text', 'Item': item}
            found = [service.ask('PutItem', body) for service in (ours, theirs)]
            assert found[0] == found[1] and (found[0][0] == 200) == fits, (size, found)
    for forward in (True, False):
        body = {'TableName': 'by_text', 'KeyConditionExpression': '#h = :h',
                'ExpressionAttributeNames': {'#h': 'hash'}, 'ScanIndexForward': forward,
                'ExpressionAttributeValues': {':h': {'S': 'large'}}}
        pages = [service.ask('Query', body)[1] for service in (ours, theirs)]
        assert pages[0] == pages[1], [(page['Count'], page.get('LastEvaluatedKey'))
                                      for page in pages]
        assert 'LastEvaluatedKey' in pages[0], 'a page of more than a megabyte'


def compare(ours, theirs, author, count):
    """Returns how often each kind of answer was the same."""
    seen = {}
    for number in range(count):
        operation, request = author.request()
        found = [service.ask(operation, request) for service in (ours, theirs)]
        if found[0] != found[1]:
            sys.exit(f'same_tables: request {number}: {operation} {json.dumps(request)[:2000]}\n'
                     f'ours {str(found[0])[:2000]}\ndynalite {str(found[1])[:2000]}')
        kind = (operation, 'done' if found[0][0] == 200 else found[0][1])
        seen[kind] = seen.get(kind, 0) + 1
    for table in TABLES:
        for limit in ({}, {'Limit': 3}):
            body = {'TableName': table, **limit}
            assert ours.scan(body) == theirs.scan(body), f'the rows of {table} differ'
    return seen


def refuse(ours):
    for operation, body in REFUSED:
        status, kind = ours.ask(operation, {'TableName': 'alone', **body})
        assert status == 400 and kind in ('ValidationException', 'UnknownOperationException'), \
            f'{operation} {body} was answered with {status} {kind}'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--requests', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    with doubles.node('tables/server.mjs') as ours, doubles.node('dynalite.mjs') as theirs:
        services = [Service(port) for port in (ours, theirs)]
        for service in services:
            create(service)
        compare_large(*services)
        seen = compare(*services, Author(options.seed), options.requests)
        refuse(services[0])
    for operation, outcome in sorted(seen):
        print(f'{seen[operation, outcome]:6} {operation} {outcome}')
    for outcome in ('PutItem done', 'PutItem ConditionalCheckFailedException', 'UpdateItem done',
                    'DeleteItem done', 'GetItem done', 'Query done', 'Query ValidationException'):
        assert tuple(outcome.split()) in seen, f'none was {outcome}'


main()
