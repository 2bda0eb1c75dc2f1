/**
 * Runs in a page, or in a context of `node:vm`: takes away everything that ES5 does not have, and all globals
 * but for its own and those that are to be kept. Whatever needs more than that fails from then on.
 */
export function leaveES5(kept: string): void {
  // `__proto__` is no part of it, and was in every browser all the same.
  const members: Readonly<Record<string, string>> = {
    Object:
      'create defineProperties defineProperty freeze getOwnPropertyDescriptor getOwnPropertyNames getPrototypeOf isExtensible isFrozen isSealed keys preventExtensions seal',
    'Object.prototype':
      '__proto__ hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf',
    'Function.prototype': 'apply bind call toString',
    Array: 'isArray',
    'Array.prototype':
      'concat every filter forEach indexOf join lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice toLocaleString toString unshift',
    String: 'fromCharCode',
    'String.prototype':
      'charAt charCodeAt concat indexOf lastIndexOf localeCompare match replace search slice split substr substring toLocaleLowerCase toLocaleUpperCase toLowerCase toString toUpperCase trim valueOf',
    Number: 'MAX_VALUE MIN_VALUE NEGATIVE_INFINITY NaN POSITIVE_INFINITY',
    'Number.prototype': 'toExponential toFixed toLocaleString toPrecision toString valueOf',
    Date: 'UTC now parse',
    Math: 'E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos asin atan atan2 ceil cos exp floor log max min pow random round sin sqrt tan',
  };
  const globals =
    'Array Boolean Date Error EvalError Function Infinity JSON Math NaN Number Object RangeError ReferenceError RegExp String SyntaxError TypeError URIError decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval isFinite isNaN parseFloat parseInt undefined unescape';

  // From the first deletion on, no more than what is left.
  const { deleteProperty, get, ownKeys } = Reflect;
  const leave = (owner: object, names: string): void => {
    const wanted = ` ${names} constructor length name prototype `;
    const keys = ownKeys(owner);
    for (let at = 0; at < keys.length; at += 1) {
      const key = keys[at];
      const isWanted = typeof key === 'string' && wanted.indexOf(` ${key} `) >= 0;
      if (key !== undefined && !isWanted) deleteProperty(owner, key);
    }
  };
  Object.keys(members).forEach((path) => {
    const names = path.split('.');
    const owner = get(globalThis, names[0] ?? '');
    leave(names.length > 1 ? get(owner, 'prototype') : owner, members[path] ?? '');
  });
  leave(globalThis, `${globals} ${kept}`);
}
