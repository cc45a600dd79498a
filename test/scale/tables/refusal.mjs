// refusal: how a request is refused, in the words of the DynamoDB API.

export class Refusal extends Error {
  constructor(type, message) {
    super(message);
    this.type = type;
  }
}

export function invalid(message) {
  return new Refusal('ValidationException', message);
}

// The service may know it: a double that guessed would prove nothing.
export function unknown(what) {
  return invalid(`this double does not know ${what}`);
}

// All that stands in `given` must be among `known`.
export function onlyThese(given, known, where) {
  for (const name in given) if (!known.has(name)) throw unknown(`${name} in ${where}`);
}
