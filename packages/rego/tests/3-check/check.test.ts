import { caseSuite } from "../cases.ts";

caseSuite("3-check", new URL("cases/", import.meta.url));
