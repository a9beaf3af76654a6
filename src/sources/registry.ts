// Every source, in the order in which `auto` asks them: those with telling headers or keys before those that look like
// others. A new source is one import and one line here.

import { alertmanager } from "./alertmanager.ts";
import { amazonManagedPrometheus } from "./amazon-managed-prometheus.ts";
import { appdynamics } from "./appdynamics.ts";
import { argocd } from "./argocd.ts";
import { azureMonitor } from "./azure-monitor.ts";
import { betterstack } from "./betterstack.ts";
import { betterstackStatusPage } from "./betterstack-status-page.ts";
import { checkly } from "./checkly.ts";
import { checkmk } from "./checkmk.ts";
import { cloudevents } from "./cloudevents.ts";
import { cloudflare } from "./cloudflare.ts";
import { cloudwatchEventbridge } from "./cloudwatch-eventbridge.ts";
import { cloudwatchSns } from "./cloudwatch-sns.ts";
import { cronitor } from "./cronitor.ts";
import { datadog } from "./datadog.ts";
import { deadMansSnitch } from "./dead-mans-snitch.ts";
import { dynatrace } from "./dynatrace.ts";
import { elastalert } from "./elastalert.ts";
import { fields } from "./fields.ts";
import { firehydrant } from "./firehydrant.ts";
import { flux } from "./flux.ts";
import { gatus } from "./gatus.ts";
import { gatusZapier } from "./gatus-zapier.ts";
import { gcpMonitoring } from "./gcp-monitoring.ts";
import { githubDeployment } from "./github-deployment.ts";
import { githubIssue } from "./github-issue.ts";
import { gitlabDeployment } from "./gitlab-deployment.ts";
import { gitlabIncident } from "./gitlab-incident.ts";
import { goalert } from "./goalert.ts";
import { grafana } from "./grafana.ts";
import { grafanaLegacy } from "./grafana-legacy.ts";
import { grafanaOncall } from "./grafana-oncall.ts";
import { graylog } from "./graylog.ts";
import { healthchecks } from "./healthchecks.ts";
import { hetrixtools } from "./hetrixtools.ts";
import { honeycomb } from "./honeycomb.ts";
import { icingaNotifications } from "./icinga-notifications.ts";
import { icinga2Script } from "./icinga2-script.ts";
import { incidentIo } from "./incident-io.ts";
import { instatus } from "./instatus.ts";
import { instatusComponent } from "./instatus-component.ts";
import { jira } from "./jira.ts";
import { kapacitor } from "./kapacitor.ts";
import { kibana } from "./kibana.ts";
import { librenms } from "./librenms.ts";
import { nagiosScript } from "./nagios-script.ts";
import { netdata } from "./netdata.ts";
import { netdataReachability } from "./netdata-reachability.ts";
import { newrelic } from "./newrelic.ts";
import { onlineornot } from "./onlineornot.ts";
import { openstatus } from "./openstatus.ts";
import { opsgenie } from "./opsgenie.ts";
import { pagerduty } from "./pagerduty.ts";
import { pingdom } from "./pingdom.ts";
import { prtg } from "./prtg.ts";
import { rootly } from "./rootly.ts";
import { sentryIssue } from "./sentry-issue.ts";
import { sentryIssueAlert } from "./sentry-issue-alert.ts";
import { sentryMetric } from "./sentry-metric.ts";
import { servicenow } from "./servicenow.ts";
import { site24x7 } from "./site24x7.ts";
import { solarwinds } from "./solarwinds.ts";
import type { Source, SourcePayload } from "./source.ts";
import { splunk } from "./splunk.ts";
import { splunkObservability } from "./splunk-observability.ts";
import { standardWebhooks } from "./standard-webhooks.ts";
import { statuscake } from "./statuscake.ts";
import { statuspage } from "./statuspage.ts";
import { statuspageComponent } from "./statuspage-component.ts";
import { updown } from "./updown.ts";
import { uptimeCom } from "./uptime-com.ts";
import { uptimeKuma } from "./uptime-kuma.ts";
import { uptimerobot } from "./uptimerobot.ts";
import { vercel } from "./vercel.ts";
import { zabbix } from "./zabbix.ts";
import { zabbixEda } from "./zabbix-eda.ts";

export const sources: readonly Source[] = [
  amazonManagedPrometheus,
  cloudwatchSns,
  cloudwatchEventbridge,
  sentryMetric,
  sentryIssueAlert,
  sentryIssue,
  pagerduty,
  checkly,
  alertmanager,
  grafana,
  grafanaLegacy,
  uptimeKuma,
  opsgenie,
  datadog,
  newrelic,
  zabbix,
  zabbixEda,
  betterstack,
  uptimerobot,
  pingdom,
  statuscake,
  azureMonitor,
  gitlabIncident,
  gitlabDeployment,
  jira,
  incidentIo,
  grafanaOncall,
  rootly,
  firehydrant,
  githubIssue,
  githubDeployment,
  vercel,
  deadMansSnitch,
  cloudevents,
  standardWebhooks,
  gcpMonitoring,
  icingaNotifications,
  icinga2Script,
  dynatrace,
  kibana,
  splunk,
  netdata,
  netdataReachability,
  site24x7,
  healthchecks,
  gatus,
  gatusZapier,
  openstatus,
  instatus,
  instatusComponent,
  betterstackStatusPage,
  statuspage,
  statuspageComponent,
  hetrixtools,
  onlineornot,
  cloudflare,
  flux,
  argocd,
  librenms,
  checkmk,
  prtg,
  cronitor,
  updown,
  uptimeCom,
  honeycomb,
  graylog,
  splunkObservability,
  kapacitor,
  elastalert,
  appdynamics,
  solarwinds,
  goalert,
  nagiosScript,
  servicenow,
  fields,
] satisfies readonly Source[];

const byName: ReadonlyMap<string, Source> = new Map(sources.map((source) => [source.name, source]));

export const sourceNamed = (name: string): Source | undefined => byName.get(name);

/** The source whose payload this is, by headers and keys; undefined where none recognises it. */
export const recogniseSource = (payload: SourcePayload): Source | undefined =>
  sources.find((source) => source.recognise(payload));
