// SPDX-License-Identifier: MIT
#include "programs/serve/timeline.h"

#include "base/check.h"

void wr_timeline_init(wr_timeline *timeline) {
    *timeline = (wr_timeline){.added = 0};
    wr_list_init(&timeline->steps);
    wr_list_init(&timeline->ready);
}

void wr_thing_init(wr_thing *thing) { wr_list_init(&thing->touches); }

// In order of adding: an earlier step that gets ready later goes before.
static void get_ready(wr_timeline *timeline, wr_step *step) {
    wr_link *after = timeline->ready.prev;
    while (after != &timeline->ready &&
           wr_container_of(after, wr_step, ready)->order > step->order)
        after = after->prev;
    wr_list_insert_after(after, &step->ready);
    step->state = WR_STEP_READY;
}

static void grant(wr_touch *touch) {
    touch->granted = true;
    touch->step->missing--;
}

// grant_front grants what may be granted now that the thing's queue has
// changed: its first writer, or the readers before it.
static void grant_front(wr_timeline *timeline, wr_thing *thing) {
    for (wr_link *l = thing->touches.next; l != &thing->touches; l = l->next) {
        wr_touch *touch = wr_container_of(l, wr_touch, link);
        if (touch->writes && l != thing->touches.next)
            return;
        if (!touch->granted) {
            grant(touch);
            if (touch->step->missing == 0)
                get_ready(timeline, touch->step);
        }
        if (touch->writes)
            return;
    }
}

// Nobody before it that it has to wait for.
static bool may_have(const wr_touch *touch) {
    const wr_link *head = &touch->thing->touches;
    if (touch->writes)
        return head->next == &touch->link;
    const wr_touch *before =
        wr_container_of(touch->link.prev, const wr_touch, link);
    return head->next == &touch->link || (before->granted && !before->writes);
}

void wr_timeline_add(wr_timeline *timeline, wr_step *step) {
    wr_check(step->state == WR_STEP_OUTSIDE, "a step is added once");
    step->order = timeline->added++;
    step->missing = step->touches;
    step->state = WR_STEP_WAITING;
    wr_list_push_back(&timeline->steps, &step->link);
    timeline->count++;
    for (int i = 0; i < step->touches; i++) {
        wr_touch *touch = &step->touch[i];
        wr_link *last = touch->thing->touches.prev;
        wr_check(last == &touch->thing->touches ||
                     wr_container_of(last, wr_touch, link)->step != step,
                 "a step touches a thing once");
        touch->step = step;
        touch->granted = false;
        wr_list_push_back(&touch->thing->touches, &touch->link);
        if (may_have(touch))
            grant(touch);
    }
    if (step->missing == 0)
        get_ready(timeline, step);
}

wr_step *wr_timeline_next(wr_timeline *timeline) {
    wr_link *first = wr_list_pop_front(&timeline->ready);
    if (first == NULL)
        return NULL;
    wr_step *step = wr_container_of(first, wr_step, ready);
    step->state = WR_STEP_BEGUN;
    return step;
}

void wr_timeline_end(wr_timeline *timeline, wr_step *step) {
    wr_check(step->state != WR_STEP_OUTSIDE, "a step that was added ends once");
    if (step->state == WR_STEP_READY)
        wr_list_remove(&step->ready);
    step->state = WR_STEP_OUTSIDE;
    wr_list_remove(&step->link);
    timeline->count--;
    for (int i = 0; i < step->touches; i++)
        wr_list_remove(&step->touch[i].link);
    for (int i = 0; i < step->touches; i++)
        grant_front(timeline, step->touch[i].thing);
}

wr_step *wr_timeline_first(wr_timeline *timeline) {
    return wr_list_empty(&timeline->steps)
               ? NULL
               : wr_container_of(timeline->steps.next, wr_step, link);
}
