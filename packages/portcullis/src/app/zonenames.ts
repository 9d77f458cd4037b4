// Abbreviations of time zones where Intl's are not those of the zone database, which Go's `MST` prints: Intl knows an
// abbreviation only where people of some language use it, and has its own for a few zones that the database names by
// their offset. For each zone, what it is called at an offset; an empty name stands for the offset itself.

type Names = Readonly<Record<string, string>>;

const groups: readonly (readonly [zones: string, names: Names])[] = [
  ["Africa/Casablanca Africa/El_Aaiun", { "+00": "", "+01": "" }],
  ["Africa/Windhoek", { "+02": "CAT" }],
  ["America/Adak", { "-10": "HST", "-09": "HDT" }],
  [
    "America/Chihuahua America/Ciudad_Juarez America/Hermosillo America/Mazatlan",
    { "-06": "MDT", "-07": "MST", "-08": "PST" },
  ],
  ["America/Dawson America/Whitehorse", { "-07": "MST" }],
  ["America/Havana", { "-05": "CST", "-04": "CDT" }],
  ["America/St_Johns", { "-0330": "NST", "-0230": "NDT" }],
  ["Antarctica/Casey", { "+08": "" }],
  ["Antarctica/Troll", { "+00": "" }],
  ["Asia/Colombo", { "+0530": "" }],
  ["Asia/Dubai Asia/Muscat", { "+04": "" }],
  ["Asia/Hong_Kong", { "+08": "HKT", "+09": "HKST" }],
  ["Asia/Jakarta Asia/Pontianak", { "+07": "WIB" }],
  ["Asia/Jayapura", { "+09": "WIT" }],
  ["Asia/Jerusalem", { "+02": "IST", "+03": "IDT" }],
  ["Asia/Karachi", { "+05": "PKT", "+06": "PKST" }],
  ["Asia/Macau Asia/Shanghai Asia/Taipei", { "+08": "CST", "+09": "CDT" }],
  ["Asia/Makassar", { "+08": "WITA" }],
  ["Asia/Manila", { "+08": "PST", "+09": "PDT" }],
  ["Asia/Pyongyang Asia/Seoul", { "+0830": "KST", "+09": "KST", "+10": "KDT" }],
  ["Australia/Eucla", { "+0845": "", "+0945": "" }],
  ["Australia/Lord_Howe", { "+1030": "", "+11": "", "+1130": "" }],
  ["Europe/Dublin", { "+01": "IST" }],
  ["Europe/Guernsey Europe/Isle_of_Man Europe/Jersey", { "+01": "BST" }],
  ["Europe/Kirov Europe/Moscow Europe/Simferopol Europe/Volgograd", { "+03": "MSK", "+04": "MSD" }],
  ["Pacific/Chatham", { "+1245": "", "+1345": "" }],
  ["Pacific/Guam Pacific/Saipan", { "+10": "ChST" }],
  ["Pacific/Midway Pacific/Pago_Pago", { "-11": "SST" }],
];

const namesOf: ReadonlyMap<string, Names> = new Map(
  groups.flatMap(([zones, names]) => zones.split(" ").map((zone) => [zone, names] as const)),
);

/** What the zone database calls the zone at this offset (`+08`, `-0330`); undefined where Intl may be asked. */
export function zoneName(zone: string, offset: string): string | undefined {
  const name = namesOf.get(zone)?.[offset];
  return name === "" ? offset : name;
}
