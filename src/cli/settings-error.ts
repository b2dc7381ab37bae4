/** Invalid settings, each with its name and what is allowed. */
export class SettingsError extends Error {}
