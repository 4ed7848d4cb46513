/** Which browser this build is for; the other one's branches are left out of it. */
declare const BROWSER: "chromium" | "firefox";
