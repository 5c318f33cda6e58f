import time, collections
from tests.delivery import stepping, explorer, scenarios
async def test_prof(lab):
    costs = collections.Counter(); counts=collections.Counter()
    orig = stepping.SteppedConnection._step
    import re
    real_fin = stepping.Schedule.finished
    t0 = {}
    real_arr = stepping.Schedule.arrive
    async def step(self, method, sql, args):
        lane=self._lane
        sql = lane.rewrite(sql)
        if not stepping.is_unseen(sql):
            await self._schedule.arrive(lane, sql)
        lane.in_statement=True; error=''
        t=time.perf_counter()
        try:
            return await getattr(lane.connection, method)(sql,*args)
        finally:
            key=re.sub(r'\s+',' ',sql)[:70]
            costs[key]+=time.perf_counter()-t; counts[key]+=1
            lane.in_statement=False
            self._schedule.finished(lane, sql, error)
    stepping.SteppedConnection._step=step
    def wrap(mod,name):
        f=getattr(mod,name)
        async def g(*a,**k):
            t=time.perf_counter()
            try: return await f(*a,**k)
            finally:
                costs['FUNC '+name]+=time.perf_counter()-t; counts['FUNC '+name]+=1
        setattr(mod,name,g)
    wrap(explorer,'take_snapshot'); wrap(explorer,'drain'); wrap(explorer.Explorer,'_trial'); wrap(explorer.Explorer,'_run')
    wrap(stepping.Schedule,'run');wrap(stepping.Schedule,'_blocked')
    v=explorer.violations
    def vv(s):
        t=time.perf_counter()
        try: return v(s)
        finally: costs['FUNC violations']+=time.perf_counter()-t; counts['FUNC violations']+=1
    explorer.violations=vv
    r = await explorer.Explorer(lab, scenarios.MOVE).explore(limit=60)
    print(r)
    for k,c in costs.most_common(32): print(f"{c:7.2f}s {counts[k]:6d} {c/counts[k]*1000:7.2f}ms {k}")
