import { caseSuite } from "../cases.ts";

caseSuite("2-resolve", new URL("cases/", import.meta.url));
