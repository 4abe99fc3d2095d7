/** The numbers of supervision. */

/** A plugin says ready within this time of its start, or is started anew. */
export const readyDeadlineMs = 10_000;
export const pingIntervalMs = 2_000;
/** Pings in a row that a ready plugin may leave unanswered. */
export const missesAllowed = 3;
/** So many crashes within the window, and the plugin has failed: it stays down until the operator acts. */
export const crashesAllowed = 5;
export const crashWindowMs = 60_000;
