// The page Trade: ticket, blotter, evidence.

import { cancelOrder, wakeBlotter } from "./blotter.js";
import { wakeEvidence } from "./evidence.js";
import { wakeTicket } from "./ticket.js";
import { wakeCancels } from "./cancels.js";

wakeTicket();
wakeEvidence();
wakeCancels(cancelOrder);
wakeBlotter();
