import { randomBytes, randomUUID } from 'node:crypto';

const SESSION_SECONDS = 3_600;

/** Stands for the table of users of a real site, which keeps no passwords but their hashes. */
const passwords = new Map([
  ['ada', 'engine'],
  ['grace', 'compiler'],
]);

/** Who is logged in, by a session cookie. */
export function createSessions() {
  const sessions = new Map();

  return {
    /** Returns the cookie; `undefined`: the password is wrong. */
    begin(user, password) {
      if (!passwords.has(user) || passwords.get(user) !== password) return undefined;
      const id = randomBytes(32).toString('base64url');
      const exp = Math.floor(Date.now() / 1000) + SESSION_SECONDS;
      sessions.set(id, { sub: user, sid: randomUUID(), exp });
      // A site on the Internet adds `Secure`, and calls it `__Host-session`.
      return `session=${id}; Max-Age=${SESSION_SECONDS}; Path=/; HttpOnly; SameSite=Lax`;
    },
    /** Claims: who sent the request, by which login, and until when that counts. */
    of(request) {
      const session = sessions.get(idIn(request));
      return session === undefined || session.exp <= Date.now() / 1000 ? undefined : session;
    },
    /** Returns the name of the login that has ended. */
    end(request) {
      const id = idIn(request);
      const sid = sessions.get(id)?.sid;
      sessions.delete(id);
      return sid;
    },
  };
}

function idIn(request) {
  return /(?:^|; )session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
}
