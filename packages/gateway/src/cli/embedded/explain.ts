import { GatewayError } from '../../errors.ts';

/** Each way in which starting fails that people can mend: what tells it, and what to do. */
const mends: readonly { readonly sign: RegExp; readonly mend: string }[] = [
  {
    sign: /Address already in use/,
    mend: 'The port is taken. Stop what listens on it, or choose another port.',
  },
  {
    sign: /No space left on device|ENOSPC/,
    mend: 'The disk is full. Make room and start again.',
  },
  {
    sign: /spawn .* ENOENT|error while loading shared libraries|version [`']GLIBC/,
    mend: 'The programs need another C library: glibc 2.27 or later and libstdc++, which Alpine does not have. Use a PostgreSQL of your own with `postern serve`.',
  },
  {
    sign: /spawn .* EACCES/,
    mend: 'The folder of the programs forbids running any (mounted with noexec?).',
  },
  {
    sign: /spawn (EPERM|EINVAL)|E(PERM|INVAL): .*chown/,
    mend: 'PostgreSQL does not run as root, and this container lets root become nobody else. Start postern as another user.',
  },
  {
    sign: /(EACCES|EPERM|EROFS): /,
    mend: 'A folder that has to be written to forbids it. Mend its rights, or choose another.',
  },
  {
    sign: /ENOTEMPTY: /,
    mend: 'The folder for the data holds other files. Choose another, or an empty one.',
  },
  {
    sign: /database files are incompatible with server/,
    mend: 'The data was made by another version of PostgreSQL. Move its folder away and start again.',
  },
  {
    sign: /lock file "postmaster\.pid" already exists/,
    mend: 'Another PostgreSQL that postern did not start uses the data. Stop it first.',
  },
];

/** Makes the error for what a program said, or for what was thrown, with the mend where one is known. */
export function explain(problem: unknown): GatewayError {
  if (problem instanceof GatewayError) return problem;
  const said = (problem instanceof Error ? problem.message : String(problem)).trim();
  const mend = mends.find(({ sign }) => sign.test(said))?.mend;
  return new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
    detail: mend === undefined ? said : `${mend}\n${said}`,
    ...(problem instanceof Error ? { cause: problem } : {}),
  });
}

/** True for a start that failed because something else listens on its port. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof GatewayError && /Address already in use/.test(error.message);
}

/** True for a start that failed because processes of a killed server have yet to end. */
export function isMemoryInUse(error: unknown): boolean {
  return error instanceof GatewayError && /shared memory block .* in use/.test(error.message);
}
