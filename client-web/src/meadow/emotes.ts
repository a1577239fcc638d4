/** What an emote's number shows. */
export const EMOTES = ['👋', '❤️', '😂', '🎵'] as const;
export const EMOTE_NAMES = ['Wave', 'Heart', 'Laugh', 'Music'] as const;
