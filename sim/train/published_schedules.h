/*
 * published_schedules.h - the orders that papers give for stages that take equal times.
 *
 * Layer train. Each fills one order for each stage; the caller has checked the layout.
 *
 * SCHEDULE_SERIAL: one micro-batch after the other, any layout.
 * SCHEDULE_GPIPE: Huang et al., arXiv:1811.06965. Chain.
 * SCHEDULE_1F1B: Narayanan et al., PipeDream, arXiv:1806.03377; with a flush, arXiv:2006.09503. Chain.
 * SCHEDULE_INTERLEAVED: Narayanan et al., arXiv:2104.04473, section 2.2. Looped.
 * SCHEDULE_ZB_H1, _H2: Qi et al., arXiv:2401.10241, section 2.3 and figures 3, 4. Chain.
 * SCHEDULE_ZB_V: Qi et al., arXiv:2405.15362, section 4 and appendix. Vee.
 */
#ifndef SIM_TRAIN_PUBLISHED_SCHEDULES_H
#define SIM_TRAIN_PUBLISHED_SCHEDULES_H
#include "sim/train/pipeline.h"

/* False: no paper has an order for this layout. */
bool published(struct arena *a, enum train_schedule s, const struct pipeline *p, struct stage_orders *o);

#endif
