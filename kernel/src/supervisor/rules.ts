/** The numbers of supervision. */

/** A plugin says ready within this time of its start, or is started anew. With 10,000 ports it takes 10 s on a busy machine: ending it then only makes it longer. */
export const readyDeadlineMs = 60_000;
export const pingIntervalMs = 2_000;
/** Pings in a row that a ready plugin may leave unanswered. */
export const missesAllowed = 3;
/** So many crashes within the window, and the plugin has failed: it stays down until the operator acts. */
export const crashesAllowed = 5;
export const crashWindowMs = 60_000;
/** So long an alarm tells that a plugin went beyond a limit, though it serves again. */
export const overuseToldMs = 600_000;
