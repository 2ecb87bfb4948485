// The page Orders: the blotter, and evidence of what is in doubt.

import { cancelOrder, wakeBlotter } from "./blotter.js";
import { wakeCancels } from "./cancels.js";
import { wakeEvidence } from "./evidence.js";

wakeEvidence();
wakeCancels(cancelOrder);
wakeBlotter();
