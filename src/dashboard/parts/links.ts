// Addresses that several pages lead to.

import { addressText } from "../address.ts";

export const incidentLink = (project: string, incident: string): string =>
  addressText({ project, page: "incidents", detail: incident, query: {} });
