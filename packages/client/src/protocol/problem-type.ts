/** What comes before the code in the `type` of a problem (RFC 9457): a name, and not where to look. */
export const PROBLEM_TYPE = 'urn:postern:failure:';
